/** The choice of the quality in which a viewer receives the video. */

import { StreamQuality } from '@pg-stream/client/viewer'
import type { ReactElement } from 'react'
import { useVideo } from './use_video.ts'

export function Quality(): ReactElement {
    const { viewer, streamQuality } = useVideo()
    return (
        <fieldset className="group">
            <legend>Quality</legend>
            <div className="choices">
                {Object.values(StreamQuality).map((quality) => (
                    <button
                        key={quality}
                        type="button"
                        className="choice choice-word"
                        aria-pressed={streamQuality === quality}
                        onClick={() => viewer?.setQuality(quality)}
                    >
                        {quality}
                    </button>
                ))}
            </div>
        </fieldset>
    )
}
