package files

import (
	"context"
	"time"

	"sarang/chat"
)

// The collector removes files that nothing names any more, uploads that nobody goes on with, and
// bytes without a record, which a crash has left. It works in pieces, with pauses.
const (
	collectEvery  = 2 * time.Second // a look that finds nothing is one short read
	orphansMax    = 32              // files of one piece
	sweepEvery    = 24 * time.Hour  // bytes without a record are looked for
	sweepPause    = 50 * time.Millisecond
	sweepBlobsMax = 256 // between two pauses
)

func (k *Keeper) collect(ctx context.Context) {
	defer close(k.done)
	var swept time.Time
	for pausing(ctx, collectEvery) {
		if err := k.Collect(ctx); err != nil && ctx.Err() == nil {
			k.config.Logger.Warn("removing files failed; trying again later", "error", err)
		}
		if now := k.config.Now(); swept.IsZero() || now.Sub(swept) >= sweepEvery {
			swept = now
			if err := k.Sweep(ctx); err != nil && ctx.Err() == nil {
				k.config.Logger.Warn("looking for bytes without a record failed; trying again tomorrow", "error", err)
			}
		}
	}
}

// pausing waits; false: ctx is done.
func pausing(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Collect removes the files that are orphans now, and uploads that were given up.
func (k *Keeper) Collect(ctx context.Context) error {
	now := k.config.Now()
	for u := k.uploads.idle(chat.Millis(now.Add(-UploadIdleMax))); u != nil; u = k.uploads.idle(chat.Millis(now.Add(-UploadIdleMax))) {
		k.drop(u.ID)
	}
	for ctx.Err() == nil {
		orphans, err := k.config.Store.Orphans(ctx, chat.Millis(now.Add(-UnnamedFileMax)), orphansMax)
		if err != nil || len(orphans) == 0 {
			return err
		}
		for i := range orphans {
			if err := k.removeFile(ctx, &orphans[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// removeFile removes the bytes, if no other file has them, and then the record.
func (k *Keeper) removeFile(ctx context.Context, f *chat.File) error {
	if err := k.removeUnused(ctx, f.Hash); err != nil {
		return err
	}
	if err := k.config.Store.DropFile(ctx, f.ID); err != nil {
		return err
	}
	k.counts.removed.Add(1)
	return nil
}

func (k *Keeper) removeUnused(ctx context.Context, hash chat.FileHash) error {
	l := k.ofHash(hash)
	l.Lock()
	defer l.Unlock()
	used, err := k.config.Store.HashUsed(ctx, hash)
	if err != nil || used {
		return err
	}
	return k.blobs.Remove(hash)
}

// Sweep removes bytes that no record has: of files whose record could not be stored, and of those
// that a restored store does not know.
func (k *Keeper) Sweep(ctx context.Context) error {
	// A store that knows no file is perhaps not the one that these are of.
	if some, err := k.config.Store.AllFiles(ctx, 0, 1); err != nil || len(some) == 0 {
		return err
	}
	looked := 0
	return k.blobs.Each(ctx, k.config.Now().Add(-blobAgeMin), func(hash chat.FileHash) error {
		if looked++; looked%sweepBlobsMax == 0 && !pausing(ctx, sweepPause) {
			return ctx.Err()
		}
		used, err := k.config.Store.HashUsed(ctx, hash)
		if err != nil || used {
			return err
		}
		if err := k.removeUnused(ctx, hash); err != nil {
			return err
		}
		k.counts.swept.Add(1)
		return nil
	})
}
