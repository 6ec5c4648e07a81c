package rnn

import "testing"

// TestShare wants threads to have rows of their own where these are enough and the weights small, and units otherwise.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		rows, hidden, threads, parts int
		byRows                       bool
	}{{16, 80, 2, 2, true}, {16, 80, 4, 4, true}, {1, 64, 2, 1, false}, {7, 128, 2, 2, false}, {16, 1024, 2, 2, false}, {16, 64, 1, 1, true}} {
		l := &Layer{Cell: LSTM, Inputs: 1, Hidden: c.hidden}
		r, late := l.PackRIn(nil, make([]float32, 4*c.hidden*c.hidden))
		s := newShare(l, c.rows, c.threads, r, late)
		if s.parts != c.parts || s.byRows != c.byRows {
			t.Errorf("%d rows of %d units, %d threads: %+v", c.rows, c.hidden, c.threads, s)
		}
		next := 0
		for i := range s.parts {
			p := s.ofRows(i)
			if p.from != next || p.to <= p.from {
				t.Errorf("%d rows: part %d is %+v", c.rows, i, p)
			}
			next = p.to
		}
		if next != c.rows {
			t.Errorf("%d of %d rows", next, c.rows)
		}
	}
}
