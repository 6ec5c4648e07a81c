// Package window is the geometry of sliding windows (convolution, pooling) and the kernels that both share:
// frames, which are zero- or -inf-padded copies of a few input planes with strided columns split by phase, and
// tap kernels, which combine shifted rows of a frame.
//
// In a frame every window position becomes a shifted contiguous row, whatever the stride, dilation and padding are,
// so that inner loops have no border cases. It imports internal/cpu only.
package window
