/** What JavaScript calls: start and stop of the foreground service. */

package dev.pgstream.hostservice

import android.content.Intent
import expo.modules.kotlin.exception.Exceptions
import expo.modules.kotlin.modules.Module
import expo.modules.kotlin.modules.ModuleDefinition

class HostServiceModule : Module() {
    override fun definition() = ModuleDefinition {
        Name("HostService")

        Function("start") { title: String ->
            val context = appContext.reactContext ?: throw Exceptions.ReactContextLost()
            val intent = Intent(context, HostService::class.java).putExtra(HostService.TITLE, title)
            // From Android 8 on; older ones know no foreground services of this kind.
            context.startForegroundService(intent)
            Unit
        }

        Function("stop") {
            val context = appContext.reactContext ?: throw Exceptions.ReactContextLost()
            context.stopService(Intent(context, HostService::class.java))
            Unit
        }
    }
}
