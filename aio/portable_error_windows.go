package aio

// systemError gives an error of package net the name that other systems have for
// it, too.
func systemError(err error) error {
	if err == nil {
		return nil
	}
	return fault(err)
}
