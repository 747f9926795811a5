package tlsrecord

import (
	"errors"
	"strconv"
)

// Alert is why a connection ends (RFC 8446, section 6).
type Alert uint8

// The alerts that are sent from here, and those that mean no fault.
const (
	AlertCloseNotify       Alert = 0
	AlertUnexpectedMessage Alert = 10
	AlertBadRecordMAC      Alert = 20
	AlertRecordOverflow    Alert = 22
	AlertIllegalParameter  Alert = 47
	AlertDecodeError       Alert = 50
	AlertInternalError     Alert = 80
	AlertUserCanceled      Alert = 90
)

// alertNames are those of RFC 8446, appendix B.2.
var alertNames = map[Alert]string{
	AlertCloseNotify: "close_notify", AlertUnexpectedMessage: "unexpected_message",
	AlertBadRecordMAC: "bad_record_mac", AlertRecordOverflow: "record_overflow",
	40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	AlertIllegalParameter: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
	AlertDecodeError: "decode_error", 51: "decrypt_error", 70: "protocol_version",
	71: "insufficient_security", AlertInternalError: "internal_error", 86: "inappropriate_fallback",
	AlertUserCanceled: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
	112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
	116: "certificate_required", 120: "no_application_protocol",
}

// Known reports whether RFC 8446 has a name for it.
func (a Alert) Known() bool { return alertNames[a] != "" }

// String is its name in RFC 8446, or its number.
func (a Alert) String() string {
	if name, ok := alertNames[a]; ok {
		return name
	}
	return strconv.Itoa(int(a))
}

// level is fatal for alerts that end a connection at once; close_notify and user_canceled are
// warnings. Who gets one does not look at it (RFC 8446, section 6).
func (a Alert) level() byte {
	const warning, fatal = 1, 2
	if a == AlertCloseNotify || a == AlertUserCanceled {
		return warning
	}
	return fatal
}

// Error means that the peer does not keep to the protocol, or that somebody has changed what it
// has sent. The peer was told by the alert.
type Error struct {
	Alert Alert
	What  string
}

func (e *Error) Error() string { return "tlsrecord: " + e.What + " (" + e.Alert.String() + ")" }

// RemoteError means that the peer has ended the connection by an alert.
type RemoteError struct{ Alert Alert }

func (e *RemoteError) Error() string { return "tlsrecord: the peer says " + e.Alert.String() }

// ErrClosed means that the connection was ended from this end, or has failed.
var ErrClosed = errors.New("tlsrecord: the connection is closed")
