/** A store of texts that outlives the app's process; AsyncStorage and, wrapped, localStorage have this shape. */

export interface StorageAdapter {
    getItem(key: string): Promise<string | null>
    setItem(key: string, value: string): Promise<void>
    removeItem(key: string): Promise<void>
}
