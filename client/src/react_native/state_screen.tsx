/** One screen of a viewer on a phone: the app's own, or a title, a reason and a button. */

import type { ReactElement } from 'react'
import { Pressable, Text, View } from 'react-native'
import type { ShownScreen } from '../react/viewer_parts.ts'
import { BUTTON, BUTTON_TEXT, COVER, DETAIL, NOTICE, OVERLAY, TITLE } from './styles.ts'

export function StateScreen({ screen, own }: ShownScreen): ReactElement {
    if (own !== undefined) return <>{own}</>
    const { kind, title, detail, action } = screen
    return (
        <View testID={`screen-${kind}`} pointerEvents="box-none" style={boxOf(screen)}>
            <Text style={TITLE}>{title}</Text>
            {detail !== null && <Text style={DETAIL}>{detail}</Text>}
            {action !== null && (
                <Pressable role="button" accessibilityLabel={action.label} style={BUTTON} onPress={action.run}>
                    <Text style={BUTTON_TEXT}>{action.label}</Text>
                </Pressable>
            )}
        </View>
    )
}

function boxOf({ kind, covers }: ShownScreen['screen']): typeof COVER {
    if (kind === 'sound_blocked' || kind === 'host_quality') return NOTICE
    return covers ? COVER : OVERLAY
}
