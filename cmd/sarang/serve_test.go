package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"sarang/internal/server"
	"sarang/internal/store"
)

func configOf(args ...string) (server.Config, error) { return configOfArgs(args) }

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sarang.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	got, err := configOf()
	if err != nil {
		t.Fatal(err)
	}
	want := server.Default()
	if got.DataDir != want.DataDir || got.HTTP != "127.0.0.1:7782" || got.Web.String() != "http://127.0.0.1:7780" || got.Listen[0].String() != "tcp://127.0.0.1:7777" ||
		got.Sync != store.PowerSafe || len(got.HTTPHosts) != 0 || got.Pprof || got.LoginDeadline != want.LoginDeadline || got.SessionsMax != want.SessionsMax {
		t.Errorf("%+v", got)
	}
}

func TestPrecedence(t *testing.T) {
	file := writeFile(t, "workers = 2\nidle-timeout = \"2m\"\ndata = \"from-file\"\nlisten = [\"tcp://127.0.0.1:1\", \"tcp://[::1]:2\"]\n")
	t.Setenv("SARANG_CONFIG", file)
	t.Setenv("SARANG_DATA", "from-env")
	t.Setenv("SARANG_IDLE_TIMEOUT", "3m")
	got, err := configOf("--idle-timeout", "4m")
	if err != nil {
		t.Fatal(err)
	}
	if got.Workers != 2 || got.DataDir != "from-env" || got.IdleTimeout != 4*time.Minute {
		t.Errorf("workers %d of the file, data %q of the environment, idle timeout %v of the flag", got.Workers, got.DataDir, got.IdleTimeout)
	}
	var listen []string
	for _, a := range got.Listen {
		listen = append(listen, a.String())
	}
	if d := cmp.Diff([]string{"tcp://127.0.0.1:1", "tcp://[::1]:2"}, listen); d != "" {
		t.Error(d)
	}
	t.Setenv("SARANG_HTTP_HOSTS", "chat.example.org, metrics")
	t.Setenv("SARANG_LISTEN", "tcp://127.0.0.1:3,tcp://:4")
	if got, err = configOf(); err != nil || len(got.Listen) != 2 || got.Listen[1].String() != "tcp://[::]:4" {
		t.Errorf("listen %v, %v", got.Listen, err)
	}
	if d := cmp.Diff([]string{"chat.example.org", "metrics"}, got.HTTPHosts); d != "" {
		t.Error(d)
	}
}

func TestWebSettings(t *testing.T) {
	got, err := configOf("--web", "https://127.0.0.1:8443/", "--tls-cert", "c", "--tls-key", "k", "--web-hosts", "a,b",
		"--web-origins", "https://app.example.org:444", "--listen", "tls://127.0.0.1:7778")
	if err != nil || got.Web.String() != "https://127.0.0.1:8443" || got.TLSCert != "c" || got.TLSKey != "k" ||
		len(got.WebHosts) != 2 || got.WebOrigins[0] != "https://app.example.org:444" || got.Listen[0].Scheme != "tls" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, word := range []string{"none", "off"} {
		if got, err = configOf("--web", word, "--http", word); err != nil || got.Web.Addr.IsValid() || got.HTTP != server.Nowhere {
			t.Errorf("%s: web %v, http %v, %v", word, got.Web, got.HTTP, err)
		}
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"tcp://HOST:PORT", []string{"--listen", "127.0.0.1:7777"}},
		{"there are: tcp://", []string{"--listen", "gopher://127.0.0.1:7777"}},
		{"give sqlite:FOLDER", []string{"--store", "mysql://host/db"}},
		{"workers is 0", []string{"--workers", "0"}},
		{"http-hosts", []string{"--http-hosts", "chat.example.org:7780"}},
		{"http-hosts", []string{"--http-hosts", "http://chat.example.org"}},
		{"http://HOST:PORT", []string{"--web", "127.0.0.1:8080"}},
		{"http://HOST:PORT", []string{"--web", "ftp://127.0.0.1:8080"}},
		{"http://HOST:PORT", []string{"--web", "http://127.0.0.1"}},
		{"--tls-cert", []string{"--web", "https://127.0.0.1:8443"}},
		{"--tls-cert", []string{"--listen", "tls://127.0.0.1:7778"}},
		{"go together", []string{"--tls-cert", "cert.pem"}},
		{"web-hosts", []string{"--web-hosts", "chat.example.org:80"}},
		{"web-origins", []string{"--web-origins", "chat.example.org"}},
		{"web-origins", []string{"--web-origins", "https://chat.example.org/"}},
		{"sync", []string{"--sync", "maybe"}},
		{"log-level", []string{"--log-level", "loud"}},
		{"log-format", []string{"--log-format", "xml"}},
		{"idle-timeout", []string{"--idle-timeout", "5s"}},
		{"text-bytes-max", []string{"--text-bytes-max", "70000"}},
		{"no setting \"worker\"", []string{"--config", writeFile(t, "worker = 2\n")}},
		{"workers is \"many\"", []string{"--config", writeFile(t, "workers = \"many\"\n")}},
		{"nowhere.toml", []string{"--config", "nowhere.toml"}},
	} {
		if _, err := configOf(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v; want something about %q", c.args, err, c.want)
		}
	}
}

// Compose files pass variables on that nobody has set: they are empty, and mean nothing.
func TestEmptyVariables(t *testing.T) {
	want, err := configOf("--config", writeFile(t, "workers = 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	serveCommand().Flags().VisitAll(func(f *pflag.Flag) {
		t.Setenv("SARANG_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), "")
	})
	got, err := configOf("--config", writeFile(t, "workers = 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Logger, want.Logger = nil, nil; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// Editors on Windows begin a file with a byte order mark.
func TestByteOrderMark(t *testing.T) {
	got, err := configOf("--config", writeFile(t, "\ufeffworkers = 2\r\n"))
	if err != nil || got.Workers != 2 {
		t.Errorf("workers %d, %v", got.Workers, err)
	}
}

func TestProxySettings(t *testing.T) {
	got, err := configOf("--proxies", "10.0.0.0/8,::1", "--proxy-protocol", "web,listen")
	if err != nil || len(got.Proxies) != 2 || !got.ProxyListen || !got.ProxyWeb {
		t.Errorf("%v %t %t, %v", got.Proxies, got.ProxyListen, got.ProxyWeb, err)
	}
	if got, err = configOf("--proxies", "10.0.0.0/8"); err != nil || got.ProxyListen || got.ProxyWeb {
		t.Errorf("%t %t, %v", got.ProxyListen, got.ProxyWeb, err)
	}
	for want, args := range map[string][]string{
		"proxies: ":                {"--proxies", "somewhere"},
		"proxy-protocol is":        {"--proxies", "::1", "--proxy-protocol", "all"},
		"with --proxies NETWORKS ": {"--proxy-protocol", "web"},
	} {
		if _, err := configOf(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestACMESettings(t *testing.T) {
	got, err := configOf("--web", "https://127.0.0.1:8443", "--listen", "tls://127.0.0.1:7778", "--acme-host", "a.example.org,b.example.org", "--acme-email", "x@example.org")
	if err != nil || len(got.ACME.Hosts) != 2 || got.ACME.HTTP != server.Nowhere || got.ACME.Email != "x@example.org" || got.HSTS != server.DefaultHSTS {
		t.Errorf("%+v %v, %v", got.ACME, got.HSTS, err)
	}
	for want, args := range map[string][]string{
		"acme-host and tls-cert": {"--acme-host", "a.example.org", "--tls-cert", "c", "--tls-key", "k"},
		"acme-host has":          {"--acme-host", "*.example.org"},
		"acme-host has \"host\"": {"--acme-host", "host"},
		"acme-host has \"A":      {"--acme-host", "A.example.org"},
		"with --acme-host only":  {"--acme-email", "x@example.org"},
	} {
		if _, err := configOf(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
