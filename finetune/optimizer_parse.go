package finetune

import "math"

// Rates are the learning rate and the weight decay that an optimizer is used with.
type Rates struct{ Rate, Decay float64 }

// DefaultRates returns the rates that PyTorch gives an optimizer of this name by default, and for lion its authors.
func DefaultRates(optimizer string) Rates {
	switch optimizer {
	case "adamw":
		return Rates{1e-3, 1e-2}
	case "rmsprop", "adagrad":
		return Rates{1e-2, 0}
	case "lion":
		return Rates{1e-4, 0}
	}
	return Rates{1e-3, 0}
}

// ParseOptimizer reads the text form of an optimizer, such as
//
//	sgd:momentum=0.9,nesterov  sgd:momentum=0.9,dampening=0.5  sgd:decay=1e-4,decoupled
//	adam:amsgrad,rate=0.003  adamw:beta1=0.9,beta2=0.98,eps=1e-8,decay=0.01  lion:beta1=0.95
//	rmsprop:alpha=0.9,centered,momentum=0.9  adagrad:rate-decay=0.01,initial=0.1
//
// Every one takes rate and decay, the learning rate and the weight decay. What is left out is as in PyTorch.
func ParseOptimizer(text string) (Optimizer, Rates, error) {
	s, err := parseSettings("optimizer", text)
	if err != nil {
		return nil, Rates{}, err
	}
	r := DefaultRates(s.name)
	s.positive("rate", &r.Rate)
	s.number("decay", &r.Decay, 0, math.Inf(1))
	o := parseOptimizer(s)
	if o == nil {
		return nil, Rates{}, s.unknown("sgd", "adam", "adamw", "rmsprop", "adagrad", "lion")
	}
	return o, r, s.finish()
}

// parseOptimizer returns nil for an unknown name.
func parseOptimizer(s *settings) Optimizer {
	switch s.name {
	case "sgd":
		return parseSGD(s)
	case "adam":
		return parseAdam(s)
	case "adamw":
		return AdamW(parseAdam(s))
	case "rmsprop":
		o := RMSprop{Alpha: 0.99, Eps: 1e-8}
		s.fading("alpha", &o.Alpha)
		s.positive("eps", &o.Eps)
		s.share("momentum", &o.Momentum)
		s.flag("centered", &o.Centered)
		return o
	case "adagrad":
		o := Adagrad{Eps: 1e-10}
		s.number("rate-decay", &o.RateDecay, 0, math.Inf(1))
		s.number("initial", &o.Initial, 0, math.Inf(1))
		s.positive("eps", &o.Eps)
		return o
	case "lion":
		o := Lion{Beta1: 0.9, Beta2: 0.99}
		s.fading("beta1", &o.Beta1)
		s.fading("beta2", &o.Beta2)
		return o
	}
	return nil
}

func parseSGD(s *settings) SGD {
	o := SGD{}
	s.share("momentum", &o.Momentum)
	s.number("dampening", &o.Dampening, 0, 1)
	s.flag("nesterov", &o.Nesterov)
	s.flag("decoupled", &o.Decoupled)
	if o.Nesterov && (o.Momentum == 0 || o.Dampening != 0) {
		s.fail("nesterov", "set", "momentum and no dampening with it")
	}
	return o
}

func parseAdam(s *settings) Adam {
	o := Adam{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	s.fading("beta1", &o.Beta1)
	s.fading("beta2", &o.Beta2)
	s.positive("eps", &o.Eps)
	s.flag("amsgrad", &o.AMSGrad)
	return o
}

// share sets v to a number from 0 to below 1, if the key is there.
func (s *settings) share(key string, v *float64) {
	s.number(key, v, 0, math.Nextafter(1, 0))
}

// fading is share for a number whose zero value means something else than zero: a given zero becomes a number that
// vanishes in float32.
func (s *settings) fading(key string, v *float64) {
	s.share(key, v)
	if *v == 0 {
		*v = math.SmallestNonzeroFloat64
	}
}
