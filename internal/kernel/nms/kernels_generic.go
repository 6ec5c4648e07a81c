package nms

import "unsafe"

func overlapGo(columns *float32, stride, n int, first *float32) int {
	b, all := (*box)(unsafe.Pointer(first)), unsafe.Slice(columns, 4*stride+n)
	y0, x0, y1, x1, area := all[:n], all[stride:][:n], all[2*stride:][:n], all[3*stride:][:n], all[4*stride:][:n]
	for j := range y0 {
		h := min(b.y1, y1[j]) - max(b.y0, y0[j])
		w := min(b.x1, x1[j]) - max(b.x0, x0[j])
		if h <= 0 || w <= 0 {
			continue
		}
		if both := float32(h * w); both > b.bound*(b.area+area[j]-both) {
			return j
		}
	}
	return n
}
