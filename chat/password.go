package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// Limits of passwords.
const (
	PasswordRunesMin = 8 // code points
	PasswordBytesMax = 256
)

// ParsePassword returns a password in the form in which it is hashed, so that what looks and
// is typed the same is the same: the PRECIS profile OpaqueString (RFC 8265, section 4). The
// error is an *Error with CodeBadRequest whose sentence can be shown to the user; it does not
// hold the password.
func ParsePassword(s string) (string, error) {
	if len(s) > PasswordBytesMax {
		return "", passwordTooLong()
	}
	p, err := precis.OpaqueString.String(s)
	switch {
	case err != nil || !utf8.ValidString(s):
		return "", Errorf(CodeBadRequest, "the password has characters that are not allowed: control characters, or what is no text")
	case len(p) > PasswordBytesMax:
		return "", passwordTooLong()
	}
	return p, nil
}

// ParseNewPassword is ParsePassword for one that is to be kept: it must not be too short, nor the
// name of its user.
func ParseNewPassword(s, key string) (string, error) {
	p, err := ParsePassword(s)
	switch {
	case err != nil:
		return "", err
	case utf8.RuneCountInString(p) < PasswordRunesMin:
		return "", Errorf(CodeBadRequest, "the password is too short: at least %d characters are needed", PasswordRunesMin)
	case strings.EqualFold(p, key), strings.Count(p, p[:1]) == len(p):
		return "", Errorf(CodeBadRequest, "the password is too easy to guess: choose another")
	}
	return p, nil
}

func passwordTooLong() error {
	return Errorf(CodeBadRequest, "the password is too long: at most %d bytes of UTF-8 are allowed", PasswordBytesMax)
}

// DeviceNameBytesMax bounds the name of a device.
const DeviceNameBytesMax = 64

// DeviceName returns the first of the names that says anything, as much of it as is kept: it is
// shown to the user himself, and needs no rules but that it can be shown.
func DeviceName(names ...string) string {
	for _, s := range names {
		s = s[:min(len(s), 4*DeviceNameBytesMax)]
		s = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) { // what is no UTF-8, too, but for the end
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, ""))
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		if len(s) > DeviceNameBytesMax {
			s = strings.TrimSpace(strings.ToValidUTF8(s[:DeviceNameBytesMax], ""))
		}
		return s
	}
	return ""
}
