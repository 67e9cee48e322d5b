/** A button and a line of text, as all screens have them. */

import type { ReactElement, ReactNode } from 'react'
import { Pressable, StyleSheet, Text } from 'react-native'

export function Action({ label, onPress }: { label: string; onPress: () => void }): ReactElement {
    return (
        <Pressable role="button" style={styles.action} onPress={onPress}>
            <Text style={styles.label}>{label}</Text>
        </Pressable>
    )
}

export function Line({ children }: { children: ReactNode }): ReactElement {
    return <Text style={styles.line}>{children}</Text>
}

const styles = StyleSheet.create({
    action: { minHeight: 48, margin: 8, padding: 12, borderRadius: 8, backgroundColor: '#ffffff' },
    label: { color: '#14161a', fontSize: 16, fontWeight: '600', textAlign: 'center' },
    line: { color: '#ffffff', fontSize: 16, padding: 8 },
})
