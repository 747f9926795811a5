package tlsrecord_test

import (
	"fmt"
	"testing"

	"sarang/engine/tlsrecord"
)

// BenchmarkRecord makes a record and finds what is in it: with open keys, and opening them for it.
func BenchmarkRecord(b *testing.B) {
	for _, s := range suites() {
		for _, most := range []int{2, 0} {
			for _, size := range []int{64, 16 << 10} {
				b.Run(fmt.Sprintf("suite=%04x/open=%t/bytes=%d", uint16(s), most > 0, size), func(b *testing.B) {
					e := newEnds(b, s)
					e.keys = tlsrecord.NewKeys(most, 0)
					data := make([]byte, size)
					var raw, plain []byte
					var err error
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						if raw, err = e.server.Encode(e.keys, raw[:0], data); err != nil {
							b.Fatal(err)
						}
						if plain, _, _, err = e.client.Decode(e.keys, plain[:0], nil, raw); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
