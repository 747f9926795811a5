package main

import (
	"fmt"
	"path/filepath"
	"testing"
)

func table(t *testing.T) *players {
	t.Helper()
	p, err := openPlayers(filepath.Join(t.TempDir(), "players.db"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type answer struct {
	account
	err error
}

func ask(p *players, name string) (answer, bool) {
	got := make(chan answer, 1)
	if !p.Login(name, func(a account, err error) { got <- answer{a, err} }) {
		return answer{}, false
	}
	return <-got, true
}

func TestLoginKnowsWhatWasJustSaid(t *testing.T) {
	p := table(t)
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	first, _ := ask(p, "anna")
	for range 7 {
		p.Count(first.id)
	}
	again, _ := ask(p, "anna")
	if first.err != nil || again.err != nil || again.id != first.id || first.messages != 0 || again.messages != 7 {
		t.Errorf("first %+v, again %+v", first, again)
	}
}

// Nobody waits for a database that does not keep up.
func TestLoginsAreBounded(t *testing.T) {
	p := table(t)
	busy, goOn := make(chan struct{}), make(chan struct{})
	p.Login("first", func(account, error) { close(busy); <-goOn })
	<-busy
	answers := make(chan answer, loginsWaitingMax)
	done := func(a account, err error) { answers <- answer{a, err} }
	for i := range loginsWaitingMax {
		if !p.Login(fmt.Sprint("player", i), done) {
			t.Fatalf("login %d was turned away", i)
		}
	}
	if p.Login("one too many", done) {
		t.Error("there is no bound")
	}
	close(goOn)
	ids := map[playerID]bool{}
	for range loginsWaitingMax {
		a := <-answers
		if a.err != nil {
			t.Fatal(a.err)
		}
		ids[a.id] = true
	}
	if len(ids) != loginsWaitingMax {
		t.Errorf("%d logins got %d ids", loginsWaitingMax, len(ids))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestBrokenDatabase(t *testing.T) {
	p := table(t)
	anna, _ := ask(p, "anna")
	if err := p.db.Close(); err != nil {
		t.Fatal(err)
	}
	p.Count(anna.id)
	if a, asked := ask(p, "anna"); !asked || a.err == nil {
		t.Errorf("a login without a database: %+v", a)
	}
	if err := p.Close(); err == nil {
		t.Error("counts were lost, and nobody was told")
	}
}
