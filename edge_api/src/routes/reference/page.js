// The filter, and opening what a link names. Without this script the page is complete.
'use strict'

const filter = document.getElementById('filter')
const found = document.querySelector('.filter output')
const entries = [...document.querySelectorAll('details.operation, details.type')].map((element) => ({
    element,
    text: `${element.id} ${element.querySelector('summary').textContent}`.toLowerCase(),
}))

function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
    if (target instanceof HTMLDetailsElement) {
        target.hidden = false
        target.open = true
        target.scrollIntoView()
    }
}

function applyFilter() {
    const words = filter.value.toLowerCase().split(/\s+/)
    for (const { element, text } of entries) {
        element.hidden = !words.every((word) => text.includes(word))
    }
    for (const section of document.querySelectorAll('main > section')) {
        section.hidden = !section.querySelector('details.operation:not([hidden]), details.type:not([hidden])')
    }
    found.textContent = `${entries.filter(({ element }) => !element.hidden).length} found`
}

filter.parentElement.hidden = false
filter.addEventListener('input', applyFilter)
addEventListener('hashchange', openTarget)
addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== filter) {
        event.preventDefault()
        filter.focus()
    }
})
openTarget()
