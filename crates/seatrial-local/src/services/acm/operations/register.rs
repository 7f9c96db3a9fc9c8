//! What Certificate Manager serves.

use super::{
    AddTagsToCertificate, DeleteCertificate, DescribeCertificate, GetCertificate, ImportCertificate,
    ListCertificates, ListTagsForCertificate, RemoveTagsFromCertificate, RequestCertificate,
};
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<AddTagsToCertificate>();
    operations.add::<DeleteCertificate>();
    operations.add::<DescribeCertificate>();
    operations.add::<GetCertificate>();
    operations.add::<ImportCertificate>();
    operations.add::<ListCertificates>();
    operations.add::<ListTagsForCertificate>();
    operations.add::<RemoveTagsFromCertificate>();
    operations.add::<RequestCertificate>();
}
