// Package tlsrecord is the record layer of TLS 1.3 (RFC 8446, section 5) on traffic secrets
// that a handshake has agreed on, and what may come behind a handshake: KeyUpdate, alerts. It
// makes no handshake, reads and writes no connection, and knows no clock: it takes bytes and
// returns bytes.
//
// # Basics
//
// A Layer is one end of a connection. While nothing goes on it is two secrets and two numbers,
// and no more. To work it wants Keys, which a worker has one of: there keys that were opened
// from secrets stay for as long as they are in use, up to a number, and Sweep drops the others.
//
//	var l tlsrecord.Layer
//	err := l.Init(tlsrecord.Config{Suite: suite, In: client, Out: server})
//	raw, err = l.Encode(keys, raw, data)
//	plain, raw, used, err = l.Decode(keys, plain, raw, received)
//
// # What it keeps to
//
//   - A number of a record is used once with a key: it moves on with every record that was made,
//     and a key that has made RecordsMax of them is followed by the next one.
//   - Nothing of a record is handed on before all of it was found to be whole, and after one that
//     is not the connection is over: there is no second try.
//   - Content types, lengths, versions and the order of messages are judged as RFC 8446 says, and
//     what is wrong is answered with the alert that it names. What it calls ignored is ignored.
//   - No branch and no index depends on a secret here: ciphers and hashes are those of the
//     standard library and golang.org/x/crypto, which compare tags in constant time. How much
//     padding a record had does show in the time that it takes (RFC 8446, appendix E.3); Sarang
//     pads nothing.
//
// # Caveats
//
// A secret that was followed by the next one, and that of a Layer that was cleared, is
// overwritten where it lay. Opened keys are garbage when they were dropped, and the collector
// overwrites them when it likes. A Layer must not be copied once it was used.
package tlsrecord
