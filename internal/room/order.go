package room

import (
	"slices"

	"sarang/chat"
)

// userOrder is a set of users in order of their ids, made for pages: reading one costs
// as much as the page is long, and adding or removing a user no more than a block.
// It is a list of sorted blocks, none of them empty.
type userOrder struct{ blocks [][]chat.UserID }

// orderBlockMax is how many users a block holds before it is cut in two.
const orderBlockMax = 512

// block returns the index of the block where u is, or is to be.
func (o *userOrder) block(u chat.UserID) int {
	i, _ := slices.BinarySearchFunc(o.blocks, u, func(b []chat.UserID, u chat.UserID) int {
		if b[len(b)-1] < u {
			return -1
		}
		return 1
	})
	return i
}

// add puts u into the set, in which it is not.
func (o *userOrder) add(u chat.UserID) {
	if len(o.blocks) == 0 {
		o.blocks = append(o.blocks, []chat.UserID{u})
		return
	}
	i := min(o.block(u), len(o.blocks)-1)
	at, _ := slices.BinarySearch(o.blocks[i], u)
	b := slices.Insert(o.blocks[i], at, u)
	o.blocks[i] = b
	if len(b) > orderBlockMax {
		half := len(b) / 2
		o.blocks[i] = slices.Clone(b[:half])
		o.blocks = slices.Insert(o.blocks, i+1, slices.Clone(b[half:]))
	}
}

// remove takes u out.
func (o *userOrder) remove(u chat.UserID) {
	i := o.block(u)
	if i == len(o.blocks) {
		return
	}
	at, found := slices.BinarySearch(o.blocks[i], u)
	if !found {
		return
	}
	if o.blocks[i] = slices.Delete(o.blocks[i], at, at+1); len(o.blocks[i]) == 0 {
		o.blocks = slices.Delete(o.blocks, i, i+1)
	}
}

// page returns up to itemsMax users above after, and whether there are more.
func (o *userOrder) page(after chat.UserID, itemsMax int) (page []chat.UserID, more bool) {
	for i := o.block(after); i < len(o.blocks); i++ {
		b := o.blocks[i]
		at, found := slices.BinarySearch(b, after)
		if found {
			at++
		}
		for _, u := range b[at:] {
			if len(page) == itemsMax {
				return page, true
			}
			page = append(page, u)
		}
	}
	return page, false
}
