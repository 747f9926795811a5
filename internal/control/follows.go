package control

import (
	"context"

	"sarang/chat"
)

// FollowedThread is what a user has to do with a thread.
type FollowedThread struct {
	Room     chat.RoomID `json:"room"`
	Root     chat.Seq    `json:"root"` // its first message
	Followed bool        `json:"followed"`
	Mark     chat.Seq    `json:"mark"` // he has read it up to here
}

// exportFollows tells which threads a user follows, and how far he has read them.
func exportFollows(ctx context.Context, s chat.Archive, u chat.UserID, tell Tell) error {
	for _, k := range chat.RecordKinds() {
		if k.Name != "follows" {
			continue
		}
		for after := (chat.Record{int64(u), int64(0), int64(0)}); ; {
			page, err := s.Records(ctx, k, after, pageMax)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, r := range page {
				n := func(i int) int64 { v, _ := r[i].(int64); return v } // they are numbers all (chat.RecordKinds)
				if n(0) != int64(u) {
					return nil
				}
				f := FollowedThread{Room: chat.RoomID(n(1)), Root: chat.Seq(n(2)), Followed: n(3) != 0, Mark: chat.Seq(n(4))}
				if err := tell.part(Exported{Thread: &f}); err != nil {
					return err
				}
			}
			after = k.Key(page[len(page)-1])
		}
	}
	return nil
}
