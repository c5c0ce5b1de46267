/* The socket that listens, and how many came through it. */
#ifndef SERVER_H
#define SERVER_H

/* Listens on a free port of loopback. */
void server_listen(void);
unsigned server_port(void);
/* A connection is gone. */
void server_left(void);

#endif
