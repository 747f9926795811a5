package tlsrecord

// SetRecordsMax has keys be worn out sooner.
func (k *Keys) SetRecordsMax(n uint64) { k.recordsMax = n }

// SealInner appends a record of any inner plaintext (RFC 8446, section 5.2), by the key that is in
// use; what is no TLS, too.
func (l *Layer) SealInner(k *Keys, raw []byte, inner ...byte) []byte {
	one, nonce, err := l.next(k, &l.out)
	if err != nil {
		panic(err)
	}
	begin := len(raw)
	n := len(inner) + tagBytes
	raw = append(raw, byte(typeData), 3, 3, byte(n>>8), byte(n))
	return one.aead.Seal(raw, nonce, inner, raw[begin:begin+HeaderBytes])
}

// NextOut goes on with the next key of what is sent, without a word.
func (l *Layer) NextOut(k *Keys) { l.update(k, &l.out) }

// Seqs are the numbers of the next records.
func (l *Layer) Seqs() (in, out uint64) { return l.in.seq, l.out.seq }

// SecretsAreClear reports whether nothing is left of them.
func (l *Layer) SecretsAreClear() bool {
	return l.in.secret == [secretBytesMax]byte{} && l.out.secret == [secretBytesMax]byte{} && l.in.key == nil && l.out.key == nil
}

// ExpandLabel is HKDF-Expand-Label.
func (s Suite) ExpandLabel(secret []byte, label string, n int) []byte {
	b := make([]byte, n)
	s.expandLabel(b, secret, label)
	return b
}
