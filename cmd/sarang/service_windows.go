package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

const serviceName = "sarang"

// runService is what the service manager starts: "serve ARGS...", which Stop and
// Shutdown end as Ctrl-C would.
func runService(args []string) error {
	config, err := configOfArgs(args)
	if err != nil {
		return usageError{err}
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return err
	}
	// A service has nobody who reads its standard error. A file that is named in args
	// comes later and wins.
	args = append([]string{"--log-file", filepath.Join(config.DataDir, "sarang.log")}, args...)
	s := &service{run: func(ctx context.Context) error {
		c := serveCommand()
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetArgs(args)
		return c.ExecuteContext(ctx)
	}}
	if err := svc.Run(serviceName, s); err != nil {
		return fmt.Errorf("this command is for the service manager; 'sarang service start' starts the service: %w", err)
	}
	return s.err
}

// service is the program as the service manager sees it.
type service struct {
	run func(context.Context) error
	err error
}

// Execute answers the service manager until the command has ended.
func (s *service) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (bool, uint32) {
	status <- svc.Status{State: svc.StartPending}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	status <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	for {
		select {
		case s.err = <-done:
			if s.err != nil {
				return true, exitFailed
			}
			return false, 0
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: 20000}
				cancel()
			}
		}
	}
}

func serviceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Run the server as a Windows service",
		Long: "Install, start, stop and remove the server as a Windows service. It needs an\n" +
			"administrator's console. What follows 'install --' is given to 'sarang serve'.\n" +
			"The log is sarang.log in the data folder, unless --log-file says another.",
		Example: "  sarang service install -- --listen tcp://0.0.0.0:7777 --data C:\\ProgramData\\sarang\n" +
			"  sarang service start",
	}
	c.AddCommand(
		&cobra.Command{
			Use: "install [-- SERVE-FLAGS]", Short: "Install the service; it starts with the system",
			RunE: func(_ *cobra.Command, args []string) error { return installService(args) },
		},
		&cobra.Command{
			Use: "run [-- SERVE-FLAGS]", Hidden: true,
			RunE: func(_ *cobra.Command, args []string) error { return runService(args) },
		},
		&cobra.Command{
			Use: "uninstall", Short: "Remove the service; the data stays", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return withService((*mgr.Service).Delete) },
		},
		&cobra.Command{
			Use: "start", Short: "Start the service", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				return withService(func(s *mgr.Service) error { return s.Start() })
			},
		},
		&cobra.Command{
			Use: "stop", Short: "Stop the service, in order", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return withService(stopService) },
		},
	)
	return c
}

// installService registers this program with the service manager.
func installService(args []string) error {
	if _, err := configOfArgs(args); err != nil { // better now than at the next boot
		return usageError{err}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	m, err := mgr.Connect()
	if err != nil {
		return managerError(err)
	}
	defer m.Disconnect()
	s, err := m.CreateService(serviceName, program, mgr.Config{
		DisplayName: "Sarang chat server", StartType: mgr.StartAutomatic,
		Description: "A chat server in one binary.",
	}, append([]string{"service", "run", "--"}, args...)...)
	if err != nil {
		return fmt.Errorf("installing the service: %w", err)
	}
	return s.Close()
}

func withService(f func(*mgr.Service) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return managerError(err)
	}
	defer m.Disconnect()
	s, err := m.OpenService(serviceName)
	if err != nil {
		return fmt.Errorf("the service is not installed ('sarang service install' does that): %w", err)
	}
	defer s.Close()
	return f(s)
}

// stopService asks the service to stop and waits until it has.
func stopService(s *mgr.Service) error {
	status, err := s.Control(svc.Stop)
	for deadline := time.Now().Add(30 * time.Second); err == nil && status.State != svc.Stopped; {
		if time.Now().After(deadline) {
			return errors.New("the service has not stopped within 30 s")
		}
		time.Sleep(200 * time.Millisecond)
		status, err = s.Query()
	}
	return err
}

func managerError(err error) error {
	return fmt.Errorf("the service manager can not be reached; run this in an administrator's console: %w", err)
}
