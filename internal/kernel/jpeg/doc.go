// Package jpeg decodes JPEG pictures (ITU-T T.81, baseline, extended sequential and progressive, Huffman coded,
// 8 bits) to the bit as libjpeg does with its default settings.
//
// The pictures that ONNX's ImageDecoder is compared with come from libjpeg: its integer inverse cosine transform,
// its triangle filter for chroma ("fancy upsampling") and its fixed-point colour conversion. The standard library
// rounds differently in all three and gives no access to the coefficients. Arithmetic coding, lossless and
// hierarchical pictures and 12-bit samples are reported with ErrUnsupported. It imports nothing of the module.
package jpeg
