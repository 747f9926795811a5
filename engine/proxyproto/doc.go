// Package proxyproto reads the PROXY protocol, versions 1 and 2, by which a proxy that passes
// bytes on (HAProxy, nginx's stream module, load balancers) says at the beginning of each
// connection whose it is: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt.
//
// Over puts it before what an engine's listener speaks. A connection of a proxy that is trusted
// must begin with a header; one from elsewhere is not looked into for one, so nobody else
// can say that he is another.
package proxyproto
