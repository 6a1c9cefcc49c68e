// SPDX-License-Identifier: Apache-2.0
// View of the camera of the browser, which puts what it records into an upload field.
export default {
  template: '<video autoplay muted playsinline style="width: 100%; min-height: 12rem"></video>',
  props: { field: Number },
  methods: {
    async open() {
      try {
        if (!navigator.mediaDevices) {
          throw new Error('the browser gives the camera only to https and to this machine itself');
        }
        this.stream = await navigator.mediaDevices.getUserMedia({ video: true });
        this.$el.srcObject = this.stream;
        await this.$el.play();
        this.$emit('opened');
      } catch (error) {
        this.$emit('failed', error.message);
      }
    },
    close() {
      if (this.recorder && this.recorder.state === 'recording') this.recorder.stop();
      if (this.stream) this.stream.getTracks().forEach((track) => track.stop());
      this.stream = null;
    },
    record(milliseconds) {
      const parts = [];
      const recorder = new MediaRecorder(this.stream);
      this.recorder = recorder;
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => {
        clearTimeout(this.timeout);
        if (this.kept) this.send(new Blob(parts, { type: recorder.mimeType.split(';')[0] }));
        this.kept = false;
      };
      this.timeout = setTimeout(() => this.finish(), milliseconds);
      recorder.start();
    },
    finish() {
      this.kept = true;
      if (this.recorder.state === 'recording') this.recorder.stop();
    },
    take() {
      const canvas = document.createElement('canvas');
      canvas.width = this.$el.videoWidth;
      canvas.height = this.$el.videoHeight;
      canvas.getContext('2d').drawImage(this.$el, 0, 0);
      canvas.toBlob((blob) => this.send(blob), 'image/jpeg', 0.95);
    },
    send(blob) {
      const time = new Date().toLocaleTimeString('en-GB').replaceAll(':', '-');
      const name = `webcam ${time}.${blob.type.split('/')[1]}`;
      getElement(this.field).$refs.qRef.addFiles([new File([blob], name, { type: blob.type })]);
      this.$emit('sent');
    },
  },
  unmounted() {
    this.close();
  },
};
