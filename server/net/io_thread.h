/* An I/O thread: one event loop with the connections it was given.
 *
 * A turn of the loop: the library reports events of sockets, the inbox brings what other threads
 * sent, and sessions that have become able to say something are put on the list of due ones. Just
 * before the loop waits again, one pass goes over that list and writes what each has, so that
 * whatever came together leaves together, and frames built for one viewer are still there for the
 * next.
 */
#ifndef TANDEM_NET_IO_THREAD_H
#define TANDEM_NET_IO_THREAD_H

#include <stdbool.h>

struct io_thread;

/* The library made the thread's SSL_CTX. False refuses it. */
bool io_thread_tls_made(struct io_thread *thread, void *ssl_ctx);
/* lws_cancel_service() was called, perhaps several times. */
void io_thread_woken(struct io_thread *thread);

#endif
