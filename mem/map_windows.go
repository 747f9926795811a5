package mem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapBytes returns n zeroed bytes outside of Go's heap. n is a multiple of the
// page size. unmapBytes wants the very slice back.
func mapBytes(n int) ([]byte, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	// The address is not Go's, so no collector moves or frees what it names; the
	// detour is only for vet, which can not know that.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return unsafe.Slice((*byte)(p), n), nil
}

func unmapBytes(b []byte) error {
	return windows.VirtualFree(uintptr(unsafe.Pointer(unsafe.SliceData(b))), 0, windows.MEM_RELEASE)
}

// protectNone makes whole pages unreadable and unwritable until they are unmapped.
func protectNone(b []byte) error {
	var old uint32
	return windows.VirtualProtect(uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), windows.PAGE_NOACCESS, &old)
}
