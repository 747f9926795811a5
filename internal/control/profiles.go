package control

import (
	"context"

	"sarang/chat"
)

// Profile is what a user says of himself.
type Profile struct {
	DisplayName string `json:"display_name,omitempty"`
	About       string `json:"about,omitempty"`
	Status      string `json:"status,omitempty"`
	Hidden      bool   `json:"hidden,omitempty"` // nobody is told whether he is online
}

// profile is nil if he says nothing.
func (o *Operations) profile(ctx context.Context, u chat.UserID) (*Profile, error) {
	all, err := o.Store.Profiles(ctx, []chat.UserID{u})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p := Profile(all[0].Profile)
	return &p, nil
}

// exportPeople tells what is stored of a user beside rooms: his profile, and whom he blocks.
func (o *Operations) exportPeople(ctx context.Context, u chat.UserID, tell Tell) error {
	p, err := o.profile(ctx, u)
	if err != nil {
		return err
	}
	if p != nil {
		if err := tell.part(Exported{Profile: p}); err != nil {
			return err
		}
	}
	for after := chat.UserID(0); ; {
		page, err := o.Store.Blocks(ctx, u, after, pageMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := tell.part(Exported{Block: &BlockedUser{b.ID, b.Name}}); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// BlockedUser is a user whom another one blocks.
type BlockedUser struct {
	ID   chat.UserID `json:"id"`
	Name string      `json:"name"`
}
