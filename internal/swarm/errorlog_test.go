package swarm

import (
	"fmt"
	"testing"
)

// A server that makes codes up fills neither memory nor the report, and all is counted.
func TestErrorsAreOfSoManyKinds(t *testing.T) {
	all := errorLog{}
	for part := range 3 {
		l := errorLog{}
		for i := range 1000 {
			l.add(fmt.Sprintf("code %d", part*1000+i), "nonsense")
			l.add("real", "trouble")
		}
		all.merge(l)
	}
	if len(all) > errorKindsMax+1 || all.total() != 6000 {
		t.Errorf("%d kinds of %d errors", len(all), all.total())
	}
}
