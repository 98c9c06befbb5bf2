//! Every other service of OpenDAL, as it is: its own option names, no aliases, no rules of ours.
//! A service earns a crate of its own by aliases, URL rules and tests against a real server.

#[cfg(any(feature = "http", feature = "db", feature = "extra"))]
use opendalfs_core::service::{Service, Writes, build_operator, register as register_service};

/// One row a service: feature, scheme, title, builder of OpenDAL.
macro_rules! services {
    ($($feature:literal, $scheme:literal, $title:literal, $builder:path;)*) => {
        /// Make the services that are compiled in known to the core.
        pub fn register() {
            $(
                #[cfg(feature = $feature)]
                register_service(Service {
                    is_open: true,
                    // Databases store a value at once; of the others nothing is promised.
                    writes: if matches!($feature.as_bytes(), b"db") {
                        Writes::Whole
                    } else {
                        Writes::Visible
                    },
                    ..Service::new($scheme, $title, &[], |options, _container| {
                        build_operator::<$builder>(options.pairs(), None)
                    })
                });
            )*
        }
    };
}

services! {
        "http", "aliyun-drive", "Aliyun Drive", opendal_service_aliyun_drive::AliyunDrive;
        "http", "azfile", "Azure Files", opendal_service_azfile::Azfile;
        "http", "b2", "Backblaze B2", opendal_service_b2::B2;
        "http", "cos", "Tencent Cloud Object Storage", opendal_service_cos::Cos;
        "http", "dropbox", "Dropbox", opendal_service_dropbox::Dropbox;
        "http", "gdrive", "Google Drive", opendal_service_gdrive::Gdrive;
        "http", "ipfs", "IPFS gateway", opendal_service_ipfs::Ipfs;
        "http", "koofr", "Koofr", opendal_service_koofr::Koofr;
        "http", "lakefs", "lakeFS", opendal_service_lakefs::Lakefs;
        "http", "obs", "Huawei Cloud OBS", opendal_service_obs::Obs;
        "http", "onedrive", "OneDrive", opendal_service_onedrive::Onedrive;
        "http", "oss", "Aliyun OSS", opendal_service_oss::Oss;
        "http", "pcloud", "pCloud", opendal_service_pcloud::Pcloud;
        "http", "seafile", "Seafile", opendal_service_seafile::Seafile;
        "http", "swift", "OpenStack Swift", opendal_service_swift::Swift;
        "http", "tos", "Volcengine TOS", opendal_service_tos::Tos;
        "http", "upyun", "UPYUN", opendal_service_upyun::Upyun;
        "http", "webhdfs", "WebHDFS", opendal_service_webhdfs::Webhdfs;
        "http", "yandex-disk", "Yandex Disk", opendal_service_yandex_disk::YandexDisk;
        "db", "mongodb", "MongoDB", opendal_service_mongodb::Mongodb;
        "db", "mysql", "MySQL", opendal_service_mysql::Mysql;
        "db", "postgresql", "PostgreSQL", opendal_service_postgresql::Postgresql;
        "db", "redis", "Redis", opendal_service_redis::Redis;
        "db", "sqlite", "SQLite", opendal_service_sqlite::Sqlite;
        "extra", "ftp", "FTP", opendal_service_ftp::Ftp;
        "extra", "redb", "redb", opendal_service_redb::Redb;
}
