// Package weights reads the weights of a model, whatever system wrote them, under names by place in our graph.
//
// [Open] takes a file or folder, [Load] anything with ReadAt. The result is a [File]: named [Tensor] values in the
// layouts of the graph. [File.Config] says what model the file holds, and what of that it had to assume. [Check] compares
// the file with what a graph wants and lists every problem at once. [Convert] makes the project's native file of it,
// which is safetensors and is mapped, not read. What a person knows beside the file are [Options]; [ReadCategories] takes
// the names of classes from files. A file of another kind is a [FormatError], which says what it is and what can be done.
//
// # Names and layouts
//
// Each layer has a place: its kernel is PLACE/kernel, its bias PLACE/bias, its batch norm
// PLACE/norm/{gamma,beta,mean,variance}. Kernels of convolutions are [kh, kw, in, out], of deconvolutions
// [kh, kw, out, in], of dense layers [in, out] with rows ordered (y, x, channel). Deltas of a box are dy, dx, dh, dw, those
// of a class or anchor together; class rows start with the background. The places:
//
//	backbone/stem/conv
//	backbone/stem/group{0,1}/unit{r}/{shortcut,conv0,conv1,conv2}   SpineNet
//	backbone/block{00…}/resample{0,1}/{conv0,conv1,conv2}
//	backbone/block{00…}/unit{r}/{conv0,conv1,conv2}
//	backbone/endpoint{level}
//	backbone/stage{2…5}/unit{r}/{shortcut,conv0,conv1,conv2}        ResNet
//	fpn/lateral{level}, fpn/output{level}
//	rpn/conv{i}, with a norm for each level: rpn/conv{i}/norm{level}
//	rpn/objectness, rpn/deltas
//	box/conv{i}, box/fc{i}, box/class, box/deltas
//	mask/conv{i}, mask/deconv, mask/logits
//	retina/class/conv{i}, retina/box/conv{i}, with norms as those of rpn/conv{i}
//	retina/class/predict, retina/box/predict
//	classifier
package weights
