package chat

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// InvitationBytes are the random bytes of an invitation code: nobody guesses one.
const InvitationBytes = 10

// invitationAlphabet are letters that are not taken for each other when a code is read to somebody.
const invitationAlphabet = "ABCDEFGHJKMNPQRSTUVWXYZ123456789"

var invitationLetters = base32.NewEncoding(invitationAlphabet).WithPadding(base32.NoPadding)

// InvitationCode is the code that random bytes make, as people pass it on: "ABCD-EFGH-JKMN-PQRS".
func InvitationCode(random [InvitationBytes]byte) string {
	c := invitationLetters.EncodeToString(random[:])
	return c[:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:]
}

// InvitationHash is by what a code is known (Invitation.Code): small letters, spaces and dashes
// do not matter.
func InvitationHash(code string) TokenHash {
	return sha256.Sum256([]byte(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))))
}
