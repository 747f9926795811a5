package main

import "time"

// attack is a way to be a nuisance.
type attack struct {
	name, what string
	serverArgs []string // what the server is started with
	cheap      bool     // part of a short run
	long       bool     // takes its own time, by --stall-seconds
	fair       bool     // the others must hardly notice: see fairness
	start      func(a *attacker)
}

// attacks are all there are.
func attacks() []attack {
	all := connectAttacks()
	all = append(all, publishAttacks()...)
	all = append(all, readAttacks()...)
	all = append(all, queueAttacks()...)
	return append(all, requestAttacks()...)
}

func findAttack(name string) *attack {
	all := attacks()
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// massDeadline is the login deadline of a server that is to close thousands of sessions
// at one moment.
const massDeadline = 3 * time.Second
