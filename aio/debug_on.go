//go:build sarang_debug

package aio

// debugging switches on checks that cost time: lent buffers are overwritten when
// they go back, and Wait checks that it is on its owner's thread.
const debugging = true
