// Package privacy accounts for the differential privacy of training with noise, and draws the noise.
//
// A step of DP-SGD takes each record into its batch with some probability, bounds the record's gradient, and adds Gaussian
// noise to the sum: the Poisson-subsampled Gaussian mechanism. RDP and PRV are two accountants that bound epsilon of many
// such steps, for neighbours that differ by one added or removed record; NoiseMultiplier inverts them.
//
// Gaussian draws standard normals from a stream cipher, with a key from the system or a given one.
//
// It imports the standard library and gonum.
package privacy
