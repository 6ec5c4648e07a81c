package nbits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// variants calls f with generic Go and with every row of the table that this machine can run.
func variants(t *testing.T, f func(t *testing.T)) {
	old := active
	defer func() { active = old }()
	for _, k := range append([]kernel{{name: "generic"}}, assembly...) {
		if k.name != "generic" && old.expand4 == nil {
			t.Logf("%s: not on this machine", k.name)
			continue
		}
		active = k
		t.Run(k.name, f)
	}
}

// randomMatrix returns a matrix with packed zero points, or with numbers if points is set.
func randomMatrix(r *rand.Rand, n, k, bits, block int, points bool) *Matrix {
	m := &Matrix{N: n, K: k, Bits: bits, Block: block}
	m.Codes = make([]byte, n*m.rowBytes())
	m.Scales = make([]float32, n*m.Blocks())
	m.Zeros = make([]byte, n*m.zeroBytes())
	for _, b := range [][]byte{m.Codes, m.Zeros} {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	for i := range m.Scales {
		m.Scales[i] = r.Float32() + 0.1
	}
	if points {
		m.Zeros, m.Points = nil, make([]float32, len(m.Scales))
		for i := range m.Points {
			m.Points[i] = r.Float32() * 8
		}
	}
	return m
}

// element is the definition of element k of row n.
func (m *Matrix) element(n, k int) float32 {
	b := k / m.Block
	row := m.Codes[n*m.rowBytes()+b*m.Block*m.Bits/8:]
	at := (k % m.Block) * m.Bits
	code := float32(row[at/8] >> (at % 8) & byte(1<<m.Bits-1))
	zero := float32(int(1) << (m.Bits - 1))
	if m.Points != nil {
		zero = m.Points[n*m.Blocks()+b]
	} else if m.Zeros != nil {
		at := b * m.Bits
		zero = float32(m.Zeros[n*m.zeroBytes()+at/8] >> (at % 8) & byte(1<<m.Bits-1))
	}
	return (code - zero) * m.Scales[n*m.Blocks()+b]
}

func TestRow(t *testing.T) {
	variants(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, bits := range []int{2, 4, 8} {
			for _, block := range []int{16, 32, 128, 512} {
				for _, k := range []int{1, 15, 16, 33, 100, 512, 700} {
					m := randomMatrix(r, 3, k, bits, block, k%2 == 0)
					if err := m.Check(); err != nil {
						t.Fatal(err)
					}
					for k0 := 0; k0 < k; k0 += 48 {
						got := make([]float32, k-k0)
						m.Row(got, 2, k0)
						for i, v := range got {
							if want := m.element(2, k0+i); v != want {
								t.Fatalf("%d bits in blocks of %d: element %d of row 2 from %d is %v, want %v", bits, block, k0+i, k0, v, want)
							}
						}
					}
				}
			}
		}
	})
}

func TestMul(t *testing.T) {
	variants(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, rows := range []int{0, 1, 2, dotRows, dotRows + 1, 40} {
			for _, bits := range []int{2, 4, 8} {
				m := randomMatrix(r, 37, 290, bits, 32, false)
				a, bias := make([]float32, rows*m.K), make([]float32, m.N)
				for i := range a {
					a[i] = r.Float32() - 0.5
				}
				for i := range bias {
					bias[i] = r.Float32()
				}
				got, again := make([]float32, rows*m.N), make([]float32, rows*m.N)
				Mul(got, a, rows, m, bias, 1)
				Mul(again, a, rows, m, bias, 4)
				if !slices.Equal(got, again) {
					t.Errorf("%d rows, %d bits: the number of threads changes the result", rows, bits)
				}
				for i, v := range got {
					want, size := float64(bias[i%m.N]), 0.0
					for k := range m.K {
						p := float64(a[i/m.N*m.K+k]) * float64(m.element(i%m.N, k))
						want += p
						size += math.Abs(p)
					}
					if math.Abs(float64(v)-want) > 1e-5*size {
						t.Fatalf("%d rows, %d bits: element %d is %v, want %v", rows, bits, i, v, want)
					}
				}
			}
		}
	})
}

func TestCheck(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, spoil := range map[string]func(m *Matrix){
		"bits":   func(m *Matrix) { m.Bits = 3 },
		"block":  func(m *Matrix) { m.Block = 24 },
		"small":  func(m *Matrix) { m.Block = 8 },
		"codes":  func(m *Matrix) { m.Codes = m.Codes[1:] },
		"scales": func(m *Matrix) { m.Scales = m.Scales[1:] },
		"zeros":  func(m *Matrix) { m.Zeros = m.Zeros[1:] },
		"points": func(m *Matrix) { m.Zeros, m.Points = nil, m.Scales[1:] },
		"short":  func(m *Matrix) { m.Group = make([]int32, 10) },
		"group":  func(m *Matrix) { m.Group = make([]int32, 64); m.Group[9] = 4 },
		"size":   func(m *Matrix) { m.N = 0 },
	} {
		m := randomMatrix(r, 5, 64, 4, 16, false)
		if spoil(m); m.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkMul(b *testing.B) {
	for _, rows := range []int{1, 64} {
		for _, bits := range []int{4, 8} {
			b.Run(fmt.Sprintf("%dx2048x2048/%d", rows, bits), func(b *testing.B) {
				m := randomMatrix(rand.New(rand.NewPCG(7, 8)), 2048, 2048, bits, 32, false)
				a, c := make([]float32, rows*m.K), make([]float32, rows*m.N)
				b.ReportAllocs()
				for b.Loop() {
					Mul(c, a, rows, m, nil, 1)
				}
				b.ReportMetric(float64(m.N*m.K)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gcodes/s")
			})
		}
	}
}

// TestMulTransposed compares with sums in float64 of the elements by definition.
func TestMulTransposed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range [][4]int{{1, 3, 16, 4}, {2, 40, 33, 4}, {9, 17, 100, 8}, {33, 300, 520, 2}} {
		rows, n, k := s[0], s[1], s[2]
		m := randomMatrix(r, n, k, s[3], 32, k%2 == 0)
		a := make([]float32, rows*n)
		for i := range a {
			a[i] = r.Float32() - 0.5
		}
		got, again := make([]float32, rows*k), make([]float32, rows*k)
		MulTransposed(got, a, rows, m, 1)
		if MulTransposed(again, a, rows, m, 2); !slices.Equal(got, again) {
			t.Errorf("%v: two threads give other bits than one", s)
		}
		for i, v := range got {
			want, size := 0.0, 0.0
			for j := range n {
				p := float64(a[i/k*n+j]) * float64(m.element(j, i%k))
				want += p
				size += math.Abs(p)
			}
			if math.Abs(float64(v)-want) > 1e-6*size {
				t.Fatalf("%v: element %d is %v, want %v", s, i, v, want)
			}
		}
	}
}
