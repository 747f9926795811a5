package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/width"
)

// Limits of names. Both the display form and the comparison form keep them.
const (
	UserNameRunesMax = 32 // code points of a user name
	UserNameBytesMax = 96 // UTF-8 bytes of a user name: 32 Hangul syllables
	RoomNameBytesMax = 64 // UTF-8 bytes of a room name
)

// nameInputBytesMax bounds what is looked at before it is known to be a name.
// Folding makes a name smaller by at most three (a full-width letter has three
// bytes, its usual form one), so nothing acceptable is longer.
const nameInputBytesMax = 3 * UserNameBytesMax

// ParseUserName checks s against the rules for user names and returns its display
// form and the form that names are compared by: two names with one key are one
// name. The display form keeps upper and lower case; full-width and half-width
// letters become the usual ones and what can be composed is composed. Parsing the
// display form again gives the same result.
//
// The rules are the PRECIS profiles UsernameCasePreserved and UsernameCaseMapped
// (RFC 8265, section 3), with their bidirectional rule, and these of our own,
// which keep a name usable in an IRC line, a URL and a mention:
//
//   - letters, marks and decimal digits of any script, and - _ . and the katakana
//     middle dot; the first one is a letter, a digit or _;
//   - no mix of scripts that serves to imitate a name (see scriptsMix);
//   - at most UserNameRunesMax code points and UserNameBytesMax bytes;
//   - not one of the few names that speak for the server, nor one that looks like them.
//
// Names are compared in small letters, with Unicode's simple case folding: a final sigma is
// a sigma.
//
// The error is an *Error with CodeBadName whose sentence can be shown to the user.
func ParseUserName(s string) (display, key string, err error) {
	display, key, err = parseName("user name", s, UserNameBytesMax)
	if err != nil {
		return "", "", err
	}
	if utf8.RuneCountInString(display) > UserNameRunesMax || utf8.RuneCountInString(key) > UserNameRunesMax {
		return "", "", Errorf(CodeBadName, "the user name is too long: at most %d characters are allowed", UserNameRunesMax)
	}
	if userNameReserved(key) {
		return "", "", Errorf(CodeBadName, "the user name %q is reserved: choose another", display)
	}
	return display, key, nil
}

// ParseRoomName checks s against the rules for room names, which are those for
// user names but for the length, at most RoomNameBytesMax bytes, and the reserved
// names. The '#' that some clients show before a room's name is no part of it and
// is refused. Errors are as for ParseUserName.
func ParseRoomName(s string) (name, key string, err error) {
	if strings.HasPrefix(s, "#") {
		return "", "", Errorf(CodeBadName, "write the room name without the leading #")
	}
	return parseName("room name", s, RoomNameBytesMax)
}

// CheckText returns nil if s may be the text of a message: valid UTF-8, not empty,
// without NUL and U+FDD0, at most maxBytes bytes. Otherwise an *Error with CodeBadText.
func CheckText(s string, maxBytes int) error {
	switch {
	case s == "":
		return Errorf(CodeBadText, "the message is empty")
	case len(s) > maxBytes:
		return Errorf(CodeBadText, "the message is too long: %d bytes, at most %d are allowed", len(s), maxBytes)
	case strings.IndexByte(s, 0) >= 0:
		return Errorf(CodeBadText, "the message contains a NUL byte")
	case !utf8.ValidString(s):
		return Errorf(CodeBadText, "the message is not valid UTF-8")
	case strings.Contains(s, fileMark):
		return Errorf(CodeBadText, "the message contains U+FDD0, which is no character")
	}
	return nil
}

// parseName does what user and room names have in common.
func parseName(what, s string, bytesMax int) (display, key string, err error) {
	switch {
	case s == "":
		return "", "", Errorf(CodeBadName, "the %s is empty", what)
	case len(s) > nameInputBytesMax:
		return "", "", nameTooLong(what, bytesMax)
	case !utf8.ValidString(s):
		return "", "", Errorf(CodeBadName, "the %s is not valid UTF-8", what)
	}
	if r, bad := badRune(s); bad {
		return "", "", runeError(what, r)
	}
	if strings.ContainsAny(s, "・･") && !hasKanaOrHan(s) {
		return "", "", Errorf(CodeBadName, "the %s has a middle dot (・), which belongs beside kana or Han", what)
	}
	core, end := cutEnd(s)
	if display, err = foldStable(precis.UsernameCasePreserved, core); err != nil {
		return "", "", profileError(what, err)
	}
	if key, err = foldStable(precis.UsernameCaseMapped, foldCase(display)); err != nil {
		return "", "", profileError(what, err)
	}
	display, key = display+end, key+end
	if len(display) > bytesMax || len(key) > bytesMax {
		return "", "", nameTooLong(what, bytesMax)
	}
	if err := checkSpelling(what, display); err != nil {
		return "", "", err
	}
	return display, key, nil
}

// cutEnd cuts the punctuation off that a name ends with, and returns it in its usual form.
// The profile's rule for writing directions refuses it behind letters that are not ASCII,
// though there is only one direction; where there are two the rule is right, and nothing is
// cut off.
func cutEnd(s string) (core, end string) {
	for _, r := range s {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL || p.Class() == bidi.AN {
			return s, ""
		}
	}
	core = strings.TrimRight(s, punctuation+"－＿．･")
	if core == "" || isASCII(s) {
		return s, ""
	}
	return core, width.Fold.String(s[len(core):])
}

// hasKanaOrHan is the rule for the middle dot (RFC 5892, appendix A.7).
func hasKanaOrHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) })
}

func nameTooLong(what string, bytesMax int) error {
	return Errorf(CodeBadName, "the %s is too long: at most %d bytes of UTF-8 are allowed", what, bytesMax)
}

// foldsMax is how often a profile is applied until its result no longer changes.
// A few strings need a second time; one that needs more is refused, as RFC 8264,
// section 7, advises.
const foldsMax = 4

// foldStable applies p until the result is its own image, so that a key that was
// stored compares equal for ever.
func foldStable(p *precis.Profile, s string) (string, error) {
	for range foldsMax {
		folded, err := p.String(s)
		if err != nil {
			return "", err
		}
		if folded == s {
			return s, nil
		}
		s = folded
	}
	return "", Errorf(CodeBadName, "no stable form")
}

// badRune returns the first code point that no name may have, in whatever form.
// The profile refuses these as well; looking first allows for a better sentence.
func badRune(s string) (rune, bool) {
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return r, true
		}
	}
	return 0, false
}

func runeError(what string, r rune) error {
	if unicode.IsSpace(r) {
		return Errorf(CodeBadName, "the %s contains a space (U+%04X): use - or _ instead", what, r)
	}
	return Errorf(CodeBadName, "the %s contains a control or invisible character (U+%04X)", what, r)
}

func profileError(what string, err error) error {
	return &Error{
		Code:    CodeBadName,
		Message: "the " + what + " has characters that are not allowed in names, or mixes writing directions",
		Err:     err,
	}
}

// checkSpelling applies our own rules to a name that the profile has passed.
func checkSpelling(what, display string) error {
	for i, r := range display {
		wordly := unicode.IsLetter(r) || unicode.Is(unicode.Nd, r)
		if i == 0 && !wordly && r != '_' {
			return Errorf(CodeBadName, "the %s must begin with a letter, a digit or _", what)
		}
		if !wordly && !unicode.IsMark(r) && !strings.ContainsRune(punctuation, r) {
			return Errorf(CodeBadName, "the %s contains %q: letters, digits and - _ . are allowed", what, r)
		}
	}
	if scriptsMix(display) {
		return Errorf(CodeBadName, "the %s mixes scripts that are easily confused: use the letters of one", what)
	}
	return nil
}
