// Package export writes what a model found to files that other programs read: what the command spinemask does with --save, a program can do with it.
//
// A [Picture] is an image and its instances, made of a result by [NewPicture]. With its Photo at hand, [Picture.Measure] adds intensities;
// [Picture.RemoveOverlap] gives each pixel to one instance.
//
// Some files are about all pictures of a run. Their writers ([COCO], [Dataset], [CSV], [ImagesCSV], [JSONL], [Report]) take one picture after the other, in any
// number and without keeping them, and end the file with Close; the file itself stays open. Other files are about one picture, or one instance, and are written
// by a function: [Labelme], [YOLO], [GeoJSON], [InstanceMap], [Overlay], [CutOut] and others.
//
// Coordinates are pixels, x to the right and y down; pixel (x, y) covers the square from (x, y) to (x+1, y+1). Outlines follow that, but for YOLO and labelme:
// their readers also fill the pixels that an outline runs through, so theirs run through the middles of the outermost pixels.
package export
