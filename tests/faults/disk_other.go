//go:build !linux

package main

import "errors"

func (n *node) mount() error { return errors.New("it needs a small disk, as Linux has them") }

func (n *node) unmount() {}
