package control

import (
	"context"
	"path/filepath"

	"sarang/chat"
	"sarang/internal/store"
)

// BackupArgs say where a backup is to be made: a folder of the machine that the server runs
// on, by its whole path, which is there and holds no database.
type BackupArgs struct {
	Dir string `json:"dir"`
}

// BackupResult is how much was copied.
type BackupResult struct {
	Bytes int64 `json:"bytes"`
}

func (o *Operations) backup(ctx context.Context, a BackupArgs, tell Tell) (BackupResult, error) {
	b, can := o.Store.(store.Backer)
	if !can {
		return BackupResult{}, chat.Errorf(chat.CodeBadRequest,
			"this kind of store makes no backups: use those of the database server, such as pg_dump")
	}
	if !filepath.IsAbs(a.Dir) {
		return BackupResult{}, chat.Errorf(chat.CodeBadRequest, "the folder %q is no whole path", a.Dir)
	}
	bytes, err := b.Backup(ctx, a.Dir, tell.progress)
	if err != nil {
		return BackupResult{}, err
	}
	// It is not in the copy, which is of a moment before.
	return BackupResult{bytes}, o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditBackup, What: a.Dir})
}
