package finetune

// An Optimizer says how parameters move against their gradients. Each element moves on its own, so that parameters may be
// updated in pieces and in any order, by several goroutines at once.
type Optimizer interface {
	// Name is the optimizer's name in specifications and checkpoints, such as "adamw".
	Name() string
	// Slots is the number of state vectors that each parameter has. They start as zeros.
	Slots() int
	// Update moves u.W.
	Update(u Update)
}

// An Update is one step of a parameter, or of a piece of it. All slices have the length of W.
type Update struct {
	W, G  []float32   // the parameter, and its gradient
	State [][]float32 // the optimizer's slots
	Scale float64     // what G is multiplied by first: clipping by norm; 0: 1
	Step  int         // counts from 1
	Rate  float64     // the learning rate of this step
	Decay float64     // the weight decay of the parameter's group
}
