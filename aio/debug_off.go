//go:build !sarang_debug

package aio

// debugging is off: see the file for the build tag sarang_debug.
const debugging = false
