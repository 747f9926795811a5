package tlsrecord_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"sarang/engine/tlsrecord"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What RFC 8448, section 3 ("Simple 1-RTT Handshake"), has of the time behind the handshake.
const (
	vectorClientSecret = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
	vectorServerSecret = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"
	vectorClientKey    = "17422dda596ed5d9acd890e3c63f5051"
	vectorClientIV     = "5b78923dee08579033e523d9"
	vectorServerKey    = "9f02283b6c9c07efc26bb9f2ac92e356"
	vectorServerIV     = "cf782b88dd83549aadf1e984"
	vectorServerTicket = `17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c7
		58db289a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e0
		9c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db2f0a77f81b5ab0
		5b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74bc2697687e248746
		d6df353005f3bce18696129c8153556b3b6c6779b37bf15985684f`
	vectorClientData = `1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20
		441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4`
	vectorServerData = `17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb50
		1a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d`
	vectorClientEnd = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"
	vectorServerEnd = "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"
)

func TestVectorsOfKeys(t *testing.T) {
	for _, c := range []struct{ secret, label, want string }{
		{vectorClientSecret, "key", vectorClientKey},
		{vectorClientSecret, "iv", vectorClientIV},
		{vectorServerSecret, "key", vectorServerKey},
		{vectorServerSecret, "iv", vectorServerIV},
	} {
		want := unhex(t, c.want)
		if got := tlsrecord.AES128GCMSHA256.ExpandLabel(unhex(t, c.secret), c.label, len(want)); !bytes.Equal(got, want) {
			t.Errorf("%s of %s: %x", c.label, c.secret, got)
		}
	}
}

// The records that both ends of the trace send are those that we make, and what is in them is
// what we find.
func TestVectorsOfRecords(t *testing.T) {
	keys := tlsrecord.NewKeys(4, 0)
	client := tlsrecord.Traffic{Secret: unhex(t, vectorClientSecret)}
	server := tlsrecord.Traffic{Secret: unhex(t, vectorServerSecret)}
	var data []byte
	for i := range 50 {
		data = append(data, byte(i))
	}
	var c, s tlsrecord.Layer
	err := c.Init(tlsrecord.Config{Suite: tlsrecord.AES128GCMSHA256, Client: true, In: server, Out: client})
	server.Seq = 1 // behind the ticket
	if err := errors.Join(err, s.Init(tlsrecord.Config{Suite: tlsrecord.AES128GCMSHA256, In: client, Out: server})); err != nil {
		t.Fatal(err)
	}
	speak := func(l *tlsrecord.Layer, wantData, wantEnd string) {
		t.Helper()
		raw, err := l.Encode(keys, nil, data[:7], data[7:])
		if want := unhex(t, wantData); err != nil || !bytes.Equal(raw, want) {
			t.Errorf("the record is %x, not %x; %v", raw, want, err)
		}
		if raw, want := l.End(keys, nil), unhex(t, wantEnd); !bytes.Equal(raw, want) {
			t.Errorf("the end is %x, not %x", raw, want)
		}
	}
	listen := func(l *tlsrecord.Layer, records string) {
		t.Helper()
		b := unhex(t, records)
		plain, raw, used, err := l.Decode(keys, nil, nil, b)
		if err != io.EOF || used != len(b) || !bytes.Equal(plain, data) || len(raw) > 0 {
			t.Errorf("%d of %d bytes became %x and an answer of %x; %v", used, len(b), plain, raw, err)
		}
	}
	speak(&c, vectorClientData, vectorClientEnd)
	speak(&s, vectorServerData, vectorServerEnd)
	listen(&c, vectorServerTicket+vectorServerData+vectorServerEnd)
	listen(&s, vectorClientData+vectorClientEnd)
}
