/** The start of the app: switches in the way of everything first, then the settings, then React. */

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { makeBackend } from './backend/backend.ts'
import { loadSettings } from './backend/settings.ts'
import { installStudio } from './picture/install_studio.ts'
import { Studio } from './picture/studio.ts'
import './styles/index.css'
import { Troubles } from './trouble/troubles.ts'
import { StatePanel } from './ui/state_panel.tsx'
import './ui/theme.ts'

const container = document.getElementById('app')
if (container === null) throw new Error('the page has no #app')
const root = createRoot(container)

const studio = new Studio()
const troubles = new Troubles(studio)
troubles.network.install(window)
installStudio(studio, navigator)

const opened = loadSettings().then((settings) => makeBackend(settings, troubles, studio))
opened.then(
    (backend) => {
        root.render(
            <StrictMode>
                <App backend={backend} />
            </StrictMode>
        )
    },
    (error: Error) =>
        root.render(
            <main className="centred">
                <h1 className="visually-hidden">Saleroom</h1>
                <StatePanel title="The saleroom does not answer" text={`Is cargo x up still running? ${error.message}`}>
                    <button type="button" className="button button-primary" onClick={() => location.reload()}>
                        Try again
                    </button>
                </StatePanel>
            </main>
        )
)
