package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// Report tells the moderators of a room of a message. A user reports a message once: a second
// report is the first again.
func (c *Client) Report(ctx context.Context, room chat.RoomID, seq chat.Seq, reason string) (Report, error) {
	r, err := ask[session.Reported](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Report(room, seq, reason) })
	return r.Report, err
}

// Reports returns a page of what was reported in a room, with ids above after; with all also what
// was resolved. It is for moderators.
func (c *Client) Reports(ctx context.Context, room chat.RoomID, after uint64, all bool) (ReportPage, error) {
	return ask[session.ReportPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Reports(room, after, all, pageItems) })
}

// Resolve says what became of a report. It is for moderators. An outcome that was lost with the
// connection is asked for by Reports.
func (c *Client) Resolve(ctx context.Context, room chat.RoomID, id uint64, outcome chat.ReportOutcome, note string) (Report, error) {
	r, err := ask[session.Reported](ctx, c, false, func(s *session.Session) (uint32, error) { return s.Resolve(room, id, outcome, note) })
	return r.Report, err
}

// Audit returns a page of a room's audit log, the newest first: what is older than before, or, for
// the zero mark, from the newest on. It is for moderators.
func (c *Client) Audit(ctx context.Context, room chat.RoomID, before chat.AuditMark) (AuditPage, error) {
	return ask[session.AuditPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Audit(room, before, pageItems) })
}
