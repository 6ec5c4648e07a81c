package vec

import "unsafe"

// PieceSum adds up pieces of rows. Its value may be used again and again.
type PieceSum struct {
	Sources []Pieces
	list    [maxSources]pieceSource
	start   [pieceLanes]float32
}

// Pieces are a source of a PieceSum: piece i is the Cols elements from From+i*xld on.
type Pieces struct{ From, Cols int }

// pieceLanes is how many elements the kernel writes at a time, maxSources how many sources it is used for, and
// pieceBlock how many pieces one call takes.
const pieceLanes, maxSources, pieceBlock = 8, 16, 1 << 12

// A pieceSource is where a source begins, and which of the elements from there on are its own.
type pieceSource struct {
	x    *float32
	mask *int32
}

// laneMasks holds at pieceLanes-n the mask of n elements.
var laneMasks = [2 * pieceLanes]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// Run sets piece i of y, the len(bias) elements from i*len(bias) on, to bias plus the pieces i of all sources in x, in
// the order of the list. Sources have at most len(bias) columns. Up to 7 elements of y behind the last piece may change.
func (p *PieceSum) Run(y, bias, x []float32, pieces, xld int) {
	n := len(bias)
	if pieces <= 0 || n == 0 {
		return
	}
	_ = y[pieces*n-1]
	for _, s := range p.Sources {
		_ = x[s.From+(pieces-1)*xld+s.Cols-1]
	}
	whole := 0 // pieces whose last vector ends within y
	if last := (n - 1) / pieceLanes * pieceLanes; active.sumPieces != nil && len(p.Sources) <= maxSources && len(y) >= last+pieceLanes {
		whole = min(pieces, (len(y)-last-pieceLanes)/n+1)
		for i := 0; i < whole; i += pieceBlock {
			for lo := last; lo >= 0; lo -= pieceLanes { // a vector reaches into the beginning of the next piece, which comes later
				p.vectors(y, bias, x, i, min(whole, i+pieceBlock), xld, lo)
			}
		}
	}
	for i := whole; i < pieces; i++ {
		piece := y[i*n:][:n]
		copy(piece, bias)
		for _, s := range p.Sources {
			addGo(piece[:s.Cols], piece[:s.Cols], x[s.From+i*xld:][:s.Cols])
		}
	}
}

// vectors sets a vector of each of the pieces [from, to): its elements from lo on.
func (p *PieceSum) vectors(y, bias, x []float32, from, to, xld, lo int) {
	clear(p.start[copy(p.start[:], bias[lo:]):])
	count := 0
	for _, s := range p.Sources {
		if cols := min(pieceLanes, s.Cols-lo); cols > 0 {
			p.list[count] = pieceSource{&x[s.From+from*xld+lo], &laneMasks[pieceLanes-cols]}
			count++
		}
	}
	active.sumPieces(&y[from*len(bias)+lo], &p.start[0], (*byte)(unsafe.Pointer(&p.list)), count, to-from, len(bias), xld)
	clear(p.list[:count])
}

// A sumPiecesFunc, src pointing to a list of pieceSource, sets vectors of 8 elements, yld apart in y, to those of bias plus those of the sources, xld apart.
type sumPiecesFunc func(y, bias *float32, src *byte, sources, pieces, yld, xld int)
