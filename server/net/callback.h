/* The events of libwebsockets, told to whom they concern. */
#ifndef TANDEM_NET_CALLBACK_H
#define TANDEM_NET_CALLBACK_H

struct lws_protocols;

/* The one protocol of a context, and the end of the list. */
const struct lws_protocols *callback_protocols(void);

#endif
