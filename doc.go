// Package spinemask finds things in photos: class, score, box and mask of every
// instance, with SpineNet Mask R-CNN (arXiv 1912.05027, 1703.06870) and its
// relatives: RetinaNet (arXiv 1708.02002), which has no masks, and classifiers of
// whole photos, for [Model.Classify]; on ordinary CPUs, exactly as the systems compute that the weights
// were trained with.
//
// Two functions do the work. [Open] reads a model from a file, and
// [Model.Segment] finds the instances of a picture, which [OpenImage] reads:
//
//	model, err := spinemask.Open("model.safetensors", nil)
//	...
//	img, err := spinemask.OpenImage("photo.jpg", nil)
//	...
//	result, err := model.Segment(ctx, img)
//	for _, in := range result.Instances {
//		fmt.Println(in.Name, in.Score, in.Box, in.Mask.Area())
//	}
//
// [Model.SegmentAll] runs over many pictures and overlaps the work around the
// network with it. Package models/nuclei has a small model built in, for cell
// nuclei in microscope images. Package features gives the maps of the backbone
// to those who build on it.
//
// Everything is safe for concurrent use. Results are the same bytes for any
// number of threads and on any machine with AVX2 or AVX-512.
//
// # Compatibility
//
// The module is at version 0: functions may change between minor versions, and
// the changelog says how. Model files carry the version of their format.
package spinemask
