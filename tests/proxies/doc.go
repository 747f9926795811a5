// Package proxies tries the configurations of docs/proxies with the real proxies before the
// real server; what is not installed is skipped (scripts/proxies.sh installs it).
package proxies
