package server

import (
	"context"
	"errors"
	"time"

	"sarang/chat"
	"sarang/internal/control"
)

// What operators have decided is in the store; the hub has it in memory. It is read at the start,
// and then again from time to time: another server on the same store may have changed it.
const (
	moderationEvery = time.Minute
	auditTrimMax    = 500 // entries of one transaction
)

// Follow reads who are operators and who is shut out, and returns when that holds; a store that
// keeps none of it has nobody. One at a time: what was read before is not to come after.
func (s *Server) Follow(ctx context.Context) error {
	m, keeps := s.store.(chat.Moderation)
	if !keeps {
		return nil
	}
	select {
	case s.following <- struct{}{}:
		defer func() { <-s.following }()
	case <-ctx.Done():
		return ctx.Err()
	}
	operators, err := m.Operators(ctx)
	if err != nil {
		return err
	}
	bans, err := control.LoadBans(ctx, m)
	if err != nil {
		return err
	}
	s.node.Hub.SetOperators(operators)
	return s.node.Hub.ShutOut(ctx, bans)
}

// startModeration loads it, follows what others change, and trims the audit log.
func (s *Server) startModeration(ctx context.Context) error {
	if err := s.Follow(ctx); err != nil {
		return err
	}
	m, keeps := s.store.(chat.Moderation)
	if !keeps {
		return nil
	}
	if all, err := m.Operators(ctx); err == nil && len(all) == 0 {
		s.config.Logger.Info("the server has no operator yet: log in by a name of yours, then run: sarang user operator NAME --data " + s.config.DataDir)
	}
	ctx, cancel := context.WithCancel(context.Background())
	end := s.ended
	s.watching.Go(func() {
		<-end
		cancel()
	})
	s.watching.Go(func() {
		for pausing(ctx, moderationEvery) {
			if err := errors.Join(s.Follow(ctx), s.trimAudit(ctx, m), s.eraseDeleted(ctx)); err != nil && ctx.Err() == nil {
				s.config.Logger.Warn("following bans and operators failed; trying again later", "error", err)
			}
		}
	})
	return nil
}

// eraseDeleted goes on with what is left of deleted rooms, as from before a restart.
func (s *Server) eraseDeleted(ctx context.Context) error {
	for {
		more, err := s.node.Hub.EraseDeleted()
		if err != nil || !more || !pausing(ctx, expirePause) {
			return err
		}
	}
}

// trimAudit erases what is older than the audit log is kept.
func (s *Server) trimAudit(ctx context.Context, m chat.Moderation) error {
	if s.config.AuditRetention <= 0 {
		return nil
	}
	for {
		n, err := m.TrimAudit(ctx, chat.Millis(s.now().Add(-s.config.AuditRetention)), auditTrimMax)
		if err != nil || n < auditTrimMax || !pausing(ctx, expirePause) {
			return err
		}
	}
}
