/** What the screens over the video say, in the words of a saleroom. */

import type { ViewerTexts } from '@pg-stream/client/web'

const BUYER: Partial<ViewerTexts> = {
    first_frame: { title: 'Waiting for the picture' },
    connecting: { title: 'Joining the video' },
    reconnecting: { title: 'Reconnecting' },
    camera_off: { title: 'The camera is off', detail: 'The sale goes on: listen, read and bid.' },
    host_away: { title: 'The seller is away', detail: 'The picture comes back with them.' },
    paused: { title: 'A short break', detail: 'The seller paused the stream.' },
    ended: { title: 'The auction has ended' },
}

const SELLER: Partial<ViewerTexts> = {
    not_started: { title: 'Ready when you are', detail: 'Only you see the preview.' },
    connecting: { title: 'Connecting' },
    camera_off: { title: 'Your camera is off', detail: 'Viewers see that it is.', action: 'Switch it on' },
    paused: { title: 'A short break', detail: 'Viewers see that you paused. Resume when you are ready.' },
    permission_denied: {
        title: 'No camera',
        detail: 'Allow camera and microphone in the browser, or take the drawn picture.',
        action: 'Try again',
    },
    taken_over: { title: 'Hosted elsewhere', detail: 'Another tab or device of yours shows this stream now.' },
}

export function textsFor(isSeller: boolean): Partial<ViewerTexts> {
    return isSeller ? SELLER : BUYER
}
