/** Sign in by address and password; the demo data's users are filled in. */

import { type ReactElement, useState } from 'react'
import { StyleSheet, TextInput } from 'react-native'
import { supabase } from '../streaming'
import { Action, Line } from './parts'

export function SignIn({ onSignedIn }: { onSignedIn: (userId: string) => void }): ReactElement {
    const [email, setEmail] = useState('buyer1@demo.test')
    const [password, setPassword] = useState('demo-password')
    const [problem, setProblem] = useState('')
    const signIn = async () => {
        const { data, error } = await supabase.auth.signInWithPassword({ email, password })
        if (data.user) onSignedIn(data.user.id)
        else setProblem(error?.message ?? 'not signed in')
    }
    return (
        <>
            <TextInput style={styles.input} value={email} onChangeText={setEmail} autoCapitalize="none" inputMode="email" />
            <TextInput style={styles.input} value={password} onChangeText={setPassword} secureTextEntry />
            <Action label="Sign in" onPress={() => void signIn()} />
            <Line>{problem}</Line>
        </>
    )
}

const styles = StyleSheet.create({
    input: { margin: 8, padding: 12, borderRadius: 8, backgroundColor: '#ffffff', color: '#14161a', fontSize: 16 },
})
