package server

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"sarang/chat"
	"sarang/internal/files"
	"sarang/internal/hub"
)

// filesDir is the folder of files in the data folder.
const filesDir = "files"

// startFiles opens the folder of files, where the store keeps what is known of them.
func (s *Server) startFiles() (err error) {
	store, keeps := s.store.(chat.Files)
	if !keeps {
		return nil
	}
	l := s.config.Hub.Files
	s.files, err = files.Open(files.Config{
		Dir: filepath.Join(s.config.DataDir, filesDir), Store: store,
		Limits: files.Limits{
			BytesMax: int64(l.BytesMax), Quota: chat.FileQuota{FilesMax: l.UserFilesMax, BytesMax: int64(l.UserFilesMiBMax) << 20},
			UserUploadsMax: l.UserUploadsMax, AddressUploadsMax: l.AddressUploadsMax, UploadsMax: l.UploadsMax, PixelsMax: l.PixelsMax,
		},
		Now: s.now, Random: rand.Reader, Full: s.node.Hub.DiskFull, Logger: s.config.Logger,
	})
	return err
}

// withFiles has the web address take and give files, too.
func (w *web) withFiles(s *Server, next http.Handler) http.Handler {
	if s.files == nil {
		return next
	}
	h := files.NewHandler(s.files, s.node.Hub, s.store, s.networkOf)
	s.node.Hub.SetWeb(hub.WebAt{Port: w.at.Addr.Port(), TLS: w.at.Scheme == "https"})
	return http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if isOfFiles(r) {
			h.ServeHTTP(answer, r)
			return
		}
		next.ServeHTTP(answer, r)
	})
}

// networkOf is what a request's address counts for; not valid: it is not bound.
func (s *Server) networkOf(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || s.config.Hub.Limits.Trusted.Contains(at.Addr()) {
		return netip.Prefix{}
	}
	a, bits := at.Addr().Unmap().WithZone(""), 48
	if a.Is4() {
		bits = 32
	}
	network, _ := a.Prefix(bits)
	return network
}

// isOfFiles reports whether a request is about files: those may have a body.
func isOfFiles(r *http.Request) bool {
	rest, found := strings.CutPrefix(r.URL.Path, files.Prefix)
	return found && (rest == "" || rest[0] == '/')
}
